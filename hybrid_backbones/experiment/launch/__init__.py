"""What starts the processes of a run: this machine, torchrun, or Slurm."""
