"""From a finished run to clusters, precision, convergence and accuracy."""
