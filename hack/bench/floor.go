package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// serveFloor serves the bare handler: one query, encoding/json, nothing else.
func serveFloor(address, database string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	// As the API does, so that the garbage collector makes no difference between the two.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	store, err := sqlstore.Open(ctx, database, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /tasks", func(w http.ResponseWriter, r *http.Request) {
		limit, err := strconv.Atoi(r.FormValue("limit"))
		if err != nil {
			limit = 50
		}
		page, err := store.List(r.Context(), owner, task.Filter{Limit: limit})
		answer(w, all(page.Tasks), err)
	})
	mux.HandleFunc("GET /tasks/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, "no number", http.StatusBadRequest)
			return
		}
		found, err := store.Get(r.Context(), owner, id)
		answer(w, shown(found), err)
	})
	if strings.HasPrefix(database, "postgres") {
		pool, err := pgxpool.New(ctx, database+"&pool_max_conns=8") // as many as the API has
		if err != nil {
			return err
		}
		defer pool.Close()
		mux.HandleFunc("POST /tasks", func(w http.ResponseWriter, r *http.Request) { insert(pool, w, r) })
	}
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { <-ctx.Done(); _ = server.Close() }()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// insert creates a task with one statement, and answers as the API does.
func insert(pool *pgxpool.Pool, w http.ResponseWriter, r *http.Request) {
	var made row
	if err := json.NewDecoder(r.Body).Decode(&made); err != nil {
		http.Error(w, "no task", http.StatusBadRequest)
		return
	}
	made.UserID, made.CreatedAt = owner, time.Now()
	made.UpdatedAt = made.CreatedAt
	err := pool.QueryRow(r.Context(), `INSERT INTO todoapp_tasks (owner, title, description, completed, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $5) RETURNING id`, owner, made.Title, made.Description, made.Completed, made.CreatedAt).
		Scan(&made.ID)
	answer(w, made, err)
}

// row is a task as a client reads it.
type row struct {
	ID          int64     `json:"id"`
	UserID      string    `json:"user_id"`
	Title       string    `json:"title"`
	Description *string   `json:"description"`
	Completed   bool      `json:"completed"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func shown(t task.Task) row {
	return row{t.ID, t.Owner, t.Title, t.Description, t.Completed, t.CreatedAt, t.UpdatedAt}
}

func all(tasks []task.Task) []row {
	rows := make([]row, len(tasks))
	for i, t := range tasks {
		rows[i] = shown(t)
	}
	return rows
}

func answer(w http.ResponseWriter, body any, err error) {
	if err != nil {
		http.Error(w, "store", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
