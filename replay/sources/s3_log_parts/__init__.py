"""What reading logs out of a bucket, or a folder, consists of."""
