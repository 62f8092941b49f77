"""Messages are shown inside the block and nowhere else."""

import logging

from neuro.logs import shown


def test_messages_are_shown_in_the_block_only(capsys):
    log = logging.getLogger("neuro.some.module")
    level = logging.getLogger("neuro").level
    with shown("neuro"):
        log.info("inside")
    log.info("outside")
    assert capsys.readouterr().err == "inside\n"
    assert logging.getLogger("neuro").level == level


def test_handlers_of_the_caller_are_left_alone(capsys):
    held = []

    class Own(logging.Handler):
        def emit(self, record):
            held.append(record.getMessage())

    logger, own = logging.getLogger("hw"), Own()
    logger.addHandler(own)
    try:
        with shown("hw"):
            logger.warning("once")
    finally:
        logger.removeHandler(own)
    assert held == ["once"]
    assert capsys.readouterr().err == ""
