"""Who works at Aldergrove, the organization of the demo."""

from __future__ import annotations

PASSWORD = "bursar-demo"  # noqa: S105 (the demo listens on this machine only)
DOMAIN = "aldergrove.example"

RESEARCHER = "L1 researcher"
ENGINEER = "ML engineer"
"""Who may submit inference."""

PEOPLE: tuple[tuple[str, str, str, str], ...] = (
    ("Ines Duarte", "ines", "System administrator", ""),
    ("Jonas Falk", "jonas", "Department administrator", "language"),
    ("Noor Haddad", "noor", RESEARCHER, "chat"),
    ("Oskar Nyman", "oskar", "Viewer", ""),
    ("Priya Raman", "priya", "Department administrator", "robotics"),
    ("Elif Aydin", "elif", "Department administrator", "biology"),
    ("Henrik Solberg", "henrik", "Department administrator", "climate"),
    ("Dario Conti", "dario", "Editor", "manipulation"),
    ("Camille Roy", "camille", "Research manager", "language"),
    ("Tendai Moyo", "tendai", "Research manager", "biology"),
    ("Bea Kowalczyk", "bea", "Application administrator", ""),
    ("Ruth Okonkwo", "ruth", "Department viewer", "climate"),
    ("Anders Lund", "anders", "Environment administrator", "language"),
    ("Tom Wescott", "tom", RESEARCHER, "corpus"),
    ("Lena Brandt", "lena", RESEARCHER, "translate"),
    ("Farid Karimi", "farid", RESEARCHER, "speech"),
    ("Mei Castellano", "mei", RESEARCHER, "retrieval"),
    ("Yuki Tanabe", "yuki", RESEARCHER, "walker"),
    ("Sara Lindqvist", "sara", RESEARCHER, "perception"),
    ("Kofi Mensah", "kofi", RESEARCHER, "grasp"),
    ("Ilse Vermeer", "ilse", RESEARCHER, "dexterity"),
    ("Ava Whitfield", "ava", RESEARCHER, "sandbox"),
    ("Ravi Thapa", "ravi", RESEARCHER, "onboarding"),
    ("Mateo Rios", "mateo", RESEARCHER, "folding"),
    ("Hana Novak", "hana", RESEARCHER, "docking"),
    ("Aoife Brennan", "aoife", RESEARCHER, "microscopy"),
    ("Samir Nassar", "samir", RESEARCHER, "single-cell"),
    ("Petra Juhasz", "petra", RESEARCHER, "downscaling"),
    ("Olu Adeyemi", "olu", RESEARCHER, "nowcast"),
    ("Marit Hansen", "marit", RESEARCHER, "ocean"),
    ("Gabriel Souza", "gabriel", RESEARCHER, "teaching"),
    ("Wei-Ling Chou", "weiling", RESEARCHER, "benchmarks"),
    ("Zoe Papadakis", "zoe", RESEARCHER, "chat"),
    ("Idris Bello", "idris", RESEARCHER, "grasp"),
    ("Nadia Petrova", "nadia", RESEARCHER, "folding"),
    ("Joon-ho Park", "joonho", "L2 researcher", "speech"),
    ("Clara Iglesias", "clara", ENGINEER, "single-cell"),
    ("Emeka Obi", "emeka", ENGINEER, "nowcast"),
    ("Freya Magnusson", "freya", ENGINEER, "chat"),
    ("Lucas Moreau", "lucas", ENGINEER, "microscopy"),
)
"""Name, who at the domain, role, and the department or project it is held on (empty: the whole account)."""

SIGNS_IN = 4
"""The first of them have PASSWORD; the others would have to choose one by a link that is mailed to them."""

GROUPS: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    (
        "model-evaluation",
        "Run the same benchmarks on everything that language trains.",
        ("lena", "noor", "tom", "freya"),
        RESEARCHER,
        "language",
    ),
    (
        "lab-managers",
        "See how the whole of robotics stands.",
        ("kofi", "sara", "yuki"),
        "Department viewer",
        "robotics",
    ),
    (
        "structure-club",
        "Fold and dock together on Thursdays.",
        ("mateo", "hana", "nadia", "samir"),
        "L2 researcher",
        "biology",
    ),
    ("forecast-desk", "Keep the live maps up.", ("olu", "emeka", "petra"), ENGINEER, "climate"),
)
"""Name, what it is for, members, role, and the department that the role is held on."""


def address(who: str) -> str:
    return f"{who}@{DOMAIN}"


SIGN_INS = tuple((role, address(who)) for _, who, role, _ in PEOPLE[:SIGNS_IN])
