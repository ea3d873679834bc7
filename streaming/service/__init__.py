"""The long-running jobs: started by spark-submit, supervised, observed from outside, ended gently."""
