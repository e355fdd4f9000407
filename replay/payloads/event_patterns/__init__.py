"""
EventBridge's event patterns: compiled once, matched many times.

The language is that of the EventBridge user guide (event patterns, comparison operators) with the semantics of
AWS's own engine, event-ruler; its error texts are those that EventBridge answers with.
"""

from replay.payloads.event_patterns.dialects import EVENTBRIDGE, SNS, Dialect
from replay.payloads.event_patterns.matching import EventPattern
from replay.payloads.event_patterns.patterns import compile_pattern
from replay.payloads.event_patterns.refusals import PatternRefused
from replay.payloads.event_patterns.rules import compile_rules

__all__ = ["EVENTBRIDGE", "SNS", "Dialect", "EventPattern", "PatternRefused", "compile_pattern", "compile_rules"]
