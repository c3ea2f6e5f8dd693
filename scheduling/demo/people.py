"""Who works at Aldergrove, the organization of the demo."""

from __future__ import annotations

PASSWORD = "bursar-demo"  # noqa: S105 (the demo listens on this machine only)

PEOPLE: tuple[tuple[str, str, str, str], ...] = (
    ("Ines Duarte", "ines@aldergrove.example", "System administrator", ""),
    ("Jonas Falk", "jonas@aldergrove.example", "Department administrator", "language"),
    ("Priya Raman", "priya@aldergrove.example", "Department administrator", "robotics"),
    ("Noor Haddad", "noor@aldergrove.example", "L1 researcher", "chat"),
    ("Tom Wescott", "tom@aldergrove.example", "L1 researcher", "corpus"),
    ("Lena Brandt", "lena@aldergrove.example", "L1 researcher", "translate"),
    ("Kofi Mensah", "kofi@aldergrove.example", "L1 researcher", "grasp"),
    ("Yuki Tanabe", "yuki@aldergrove.example", "L1 researcher", "walker"),
    ("Sara Lindqvist", "sara@aldergrove.example", "L1 researcher", "perception"),
    ("Mateo Rios", "mateo@aldergrove.example", "L1 researcher", "folding"),
    ("Ava Whitfield", "ava@aldergrove.example", "L1 researcher", "sandbox"),
    ("Oskar Nyman", "oskar@aldergrove.example", "Viewer", ""),
)
"""Name, address, role, and the department or project it is held on (empty: the whole account)."""

GROUPS: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    (
        "model-evaluation",
        "Run the same benchmarks on everything that language trains.",
        ("lena@aldergrove.example", "noor@aldergrove.example", "tom@aldergrove.example"),
        "L1 researcher",
        "language",
    ),
    (
        "lab-managers",
        "See how the whole of robotics stands.",
        ("kofi@aldergrove.example", "mateo@aldergrove.example", "sara@aldergrove.example"),
        "Department viewer",
        "robotics",
    ),
)
"""Name, what it is for, members, role, and the department that the role is held on."""

SIGN_INS = tuple(
    (role, next(email for _, email, held, _ in PEOPLE if held == role))
    for role in ("System administrator", "Department administrator", "L1 researcher", "Viewer")
)
