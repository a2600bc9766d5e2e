"""What the commands of ``detect.commands.app`` do, one file each; imported when they run."""
