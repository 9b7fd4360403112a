"""The numpy core: landmarks in, one-sided events out. No files, clocks or drawing."""
