"""The backend that the seed's skill describes: FastAPI, python-jose, SQLModel."""

import os
from typing import List

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, status
from sqlmodel import Session, text

from tasks import Task, TaskCreate, TaskResponse, TaskService, TaskUpdate, create_tables, get_session
from tokens import current_user_id

router = APIRouter(prefix="/api")


def owner(user_id: str, current: str = Depends(current_user_id)) -> str:
    """The user in the path, who must be the one the token is for."""
    if user_id != current:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Not authorized to access these tasks")
    return user_id


def one(task_id: int, user_id: str = Depends(owner), session: Session = Depends(get_session)) -> Task:
    """The task in the path."""
    task = TaskService.get_task(session, user_id, task_id)
    if task is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Task not found")
    return task


@router.get("/{user_id}/tasks", response_model=List[TaskResponse])
def list_tasks(
    user_id: str = Depends(owner),
    completed: bool = Query(None, description="Filter by completion status"),
    limit: int = Query(50, ge=1, le=100, description="Number of tasks to return"),
    offset: int = Query(0, ge=0, description="Offset for pagination"),
    session: Session = Depends(get_session),
):
    return TaskService.get_tasks_by_user(session, user_id, completed, limit, offset)


@router.post("/{user_id}/tasks", response_model=TaskResponse)
def create_task(create: TaskCreate, user_id: str = Depends(owner), session: Session = Depends(get_session)):
    return TaskService.create_task(session, user_id, create)


@router.get("/{user_id}/tasks/{task_id}", response_model=TaskResponse)
def read_task(task: Task = Depends(one)):
    return task


@router.put("/{user_id}/tasks/{task_id}", response_model=TaskResponse)
@router.patch("/{user_id}/tasks/{task_id}", response_model=TaskResponse)
def update_task(update: TaskUpdate, task: Task = Depends(one), session: Session = Depends(get_session)):
    return TaskService.change_task(session, task, update.dict(exclude_unset=True))


@router.patch("/{user_id}/tasks/{task_id}/complete", response_model=TaskResponse)
def toggle_task(task: Task = Depends(one), session: Session = Depends(get_session)):
    return TaskService.change_task(session, task, {"completed": not task.completed})


@router.delete("/{user_id}/tasks/{task_id}", response_model=TaskResponse)
def delete_task(task: Task = Depends(one), session: Session = Depends(get_session)):
    deleted = TaskResponse.from_orm(task)
    session.delete(task)
    session.commit()
    return deleted


app = FastAPI(title="Todo", on_startup=[create_tables])
app.include_router(router)


@app.get("/healthz")
async def healthz():
    return {"status": "ok"}


@app.get("/readyz")
def readyz(session: Session = Depends(get_session)):
    session.exec(text("SELECT 1"))
    return {"status": "ready"}


if __name__ == "__main__":
    uvicorn.run(app, host=os.getenv("HOST", "0.0.0.0"), port=int(os.getenv("PORT", "8000")), access_log=False)
