"""The long-running jobs: supervised, observed from outside, ended gently."""
