package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// python is Debian's interpreter, which finds Debian's packages.
const python = "/usr/bin/python3"

// fastAPI is the folder of the program, from the root of the repository.
const fastAPI = "examples/fastapi"

// installFastAPI installs the packages that examples/fastapi needs, if they are missing.
func installFastAPI() error {
	if exec.Command(python, "-c", "import fastapi, jose, psycopg2, sqlmodel, uvicorn, uvloop, httptools").Run() == nil {
		return nil
	}
	install := exec.Command("apt-get", "install", "--yes", "--no-install-recommends", "python3-fastapi", "python3-jose",
		"python3-psycopg2", "python3-sqlmodel", "uvicorn", "python3-uvloop", "python3-httptools")
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if output, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("running %v: %w\n%s", install.Args, err, output)
	}
	return nil
}

// startFastAPI starts the program as its README describes, in one process. On SQLite it has a file of its own.
func startFastAPI(o options) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(address, ":")
	database := o.database
	if path, found := strings.CutPrefix(database, "sqlite://"); found {
		database = "sqlite:///" + filepath.Join(filepath.Dir(path), "fastapi.db")
	}
	command := exec.Command(python, "main.py")
	command.Dir = fastAPI
	command.Env = append(os.Environ(), "BETTER_AUTH_SECRET="+secret, "JWT_ISSUER="+issuer, "JWT_AUDIENCE="+audience,
		"HOST="+host, "PORT="+port, "DATABASE_URL="+database, "PYTHONDONTWRITEBYTECODE=1")
	return (&process{name: "FastAPI", address: address, tasks: ownTasks, command: command}).start()
}
