"""What every room uses: checks of arguments, errors, files, arrays, sweeps."""
