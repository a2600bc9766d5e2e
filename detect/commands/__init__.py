"""What the commands of ``detect.cli`` do, one file each; imported when they run."""
