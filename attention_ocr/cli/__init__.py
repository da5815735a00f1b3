"""The console command `attention-ocr`, one module per subcommand.

Each module has `HELP`, `add_arguments(parser)`, which adds its arguments to an argparse parser, and
`run(args)`, which returns the exit status: 0, or 1 if some of the work failed. Wrong arguments and
damaged or missing files raise `ValueError` or `OSError`, which `main` prints as one line.
"""
