"""A sweep file or dict → a valid, frozen Sweep, or all its problems with their places."""
