"""Programs that go into the image beside the package: its last build step, its health check, and the check of a machine."""
