"""A ledger to try things on, with the work of extractor and loader played by hand."""
