"""Model file formats, one file each: from checked bytes to something that predicts."""
