"""One HTML page that sets the runs at hand beside the paper's claims."""
