"""The processes: values, mathematics, arrays, cubes. Each is a plain function with the names of its specification."""
