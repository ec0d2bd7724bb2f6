# What the C++ code needs. The Python code also imports IMP.isd, IMP.em, IMP.pmi and IMP.rmf, but
# naming these here would pull their wrappers, and RMF's, into ours.
required_modules = "kernel:algebra:core:atom"
required_dependencies = ""
optional_dependencies = ""
