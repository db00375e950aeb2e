"""Give MLflow's two accounts the passwords that lie in files, at every start.

`admin` is for people. `tuner` is what sweeps log with: it owns the experiments that it makes and
may read the others. The files are the truth: to change a password, change its file and restart.
"""

import os
from pathlib import Path

from mlflow.server.auth import auth_config, store

ACCOUNTS = {
    "admin": ("MLFLOW_ADMIN_PASSWORD_FILE", True),
    "tuner": ("MLFLOW_PASSWORD_FILE", False),
}


def main() -> None:
    """Create what is missing, update the rest."""
    store.init_db(auth_config.database_uri)
    for name, (variable, is_admin) in ACCOUNTS.items():
        password = Path(os.environ[variable]).read_text().strip()
        if store.has_user(name):
            store.update_user(name, password=password, is_admin=is_admin)
        else:
            store.create_user(name, password, is_admin=is_admin)


if __name__ == "__main__":
    main()
