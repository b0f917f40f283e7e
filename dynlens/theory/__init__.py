"""Mathematics of single papers: closed forms and function classes that theorems compare with."""
