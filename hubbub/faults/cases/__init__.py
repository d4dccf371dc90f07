"""The cases, a module for each: `fNN_what_is_broken`, with `async def run(lab, size)`."""
