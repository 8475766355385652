"""(being written by the linters helper)"""
