"""State machines of Step Functions: finding them, starting them, and what became of their executions."""
