"""What must survive, in one database, through one query layer for every engine.

The only package that knows SQL.  Reading is done in read transactions, writing by the one writer.
"""
