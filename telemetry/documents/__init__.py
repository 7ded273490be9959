"""Documents of money: statements and usage as XLSX, FOCUS and PDF, streamed."""
