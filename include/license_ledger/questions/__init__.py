"""
The questions that the console asks of what was published: SQL files, run read-only in whatever holds the data.
"""
