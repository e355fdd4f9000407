"""AWS's shapes around a payload, one file each: detect, unwrap, rewrap."""
