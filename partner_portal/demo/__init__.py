"""A believable world to look at, and the main job played through it."""
