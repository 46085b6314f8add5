"""What the demo's base model reads: text of a simulated shop, and lessons that make a small net look things up.

`views` shows a product in one of twelve ways, `wording` puts questions into words, `lists` has the first lessons (lists of words, copying),
`shop` those about products in the chat layout, `mixture` says which come when and makes batches of them.

None of it reads a file: every lesson is drawn from the functions of `world.py` with a seed of its own, so that the model has never met
a product, query or review of the run that it is used in, and no lesson comes twice.
"""
