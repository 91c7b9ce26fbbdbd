"""The agencies, their eligibility, the required categories, the right titles: dated data and its loader."""

from shared.register.register import Agency, Register, RegisterError, load_register, shipped_register

__all__ = ["Agency", "Register", "RegisterError", "load_register", "shipped_register"]
