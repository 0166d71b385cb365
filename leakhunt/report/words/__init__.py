"""Every sentence of a report is made here, from figures."""
