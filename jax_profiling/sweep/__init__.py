"""The gate over thousands of lenses, on dask.distributed."""
