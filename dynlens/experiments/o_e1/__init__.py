"""O.E1: what training does to the hyperspherical energy of the neurons, by four schemes."""
