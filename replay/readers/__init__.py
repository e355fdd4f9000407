"""Paged, throttled reads of AWS that several stations need."""
