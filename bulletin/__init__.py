"""The bulletin as data: editions, their publication and the election calendar. Knows no people and no answers."""
