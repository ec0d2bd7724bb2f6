required_modules = 'kernel:core:algebra:atom:container:em:isd:pmi:rmf'
required_dependencies = ''
optional_dependencies = ''
