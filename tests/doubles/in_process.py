"""The command line without a process: what it says and how it ends."""

from typer.testing import CliRunner

from geobench import cli


def ask(*words):
    """`geobench` with these words: exit_code and output."""
    return CliRunner().invoke(cli.app, [str(word) for word in words])
