"""Where the pipeline runs: in this process, in local processes, on a Ray cluster."""
