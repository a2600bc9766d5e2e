"""The commands of the first stage, one file each; ``maskgen.cli`` joins them."""
