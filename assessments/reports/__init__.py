"""What a reader is given of an assessment: the page, the PDF, the data file."""
