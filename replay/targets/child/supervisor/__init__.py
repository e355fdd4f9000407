"""
The process between us and a function's process, and what we share with it.

It is run with the folder around this one as its working folder and knows nothing else of `replay`, so that it starts in
milliseconds. It starts the function's process, sees it end, and leaves none of its descendants behind: not when it is
told to kill them, and not when we are killed ourselves.
"""
