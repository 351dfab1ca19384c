"""Questions, judgments and corpora: what a system is evaluated on."""
