"""The portal's tests; they mirror the apps."""
