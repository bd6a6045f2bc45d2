"""Tasks and where they are kept: SQLModel, as in the skill."""

import os
from datetime import datetime
from typing import Iterator, List, Optional

from pydantic import validator
from sqlalchemy.pool import QueuePool
from sqlmodel import Field, Session, SQLModel, create_engine, select, text


class TaskCreate(SQLModel):
    title: str = Field(min_length=1, max_length=200)
    description: Optional[str] = Field(default=None, max_length=2000)
    completed: bool = False


class TaskUpdate(SQLModel):
    title: Optional[str] = Field(default=None, min_length=1, max_length=200)
    description: Optional[str] = Field(default=None, max_length=2000)
    completed: Optional[bool] = None

    @validator("title", "completed", pre=True)
    def must_have_a_value(cls, value):
        """Absent is unchanged; null is nothing that a task could have, except for its description."""
        if value is None:
            raise ValueError("must not be null")
        return value


class Task(TaskCreate, table=True):
    __tablename__ = "fastapi_tasks"
    id: Optional[int] = Field(default=None, primary_key=True)
    user_id: str = Field(index=True)
    created_at: datetime = Field(default_factory=datetime.utcnow)
    updated_at: datetime = Field(default_factory=datetime.utcnow)


class TaskResponse(TaskCreate):
    id: int
    user_id: str
    created_at: datetime
    updated_at: datetime


def connect(url: str):
    """An engine for DATABASE_URL. Without one: a file on the volume /data, or else memory."""
    if url.startswith("postgres"):
        return create_engine("postgresql+psycopg2://" + url.partition("://")[2])
    if not url and os.access("/data", os.W_OK):
        url = "sqlite:////data/fastapi.db"
    if url:
        return create_engine(url, connect_args={"check_same_thread": False})
    # An in-memory database belongs to one connection, so all requests share it.
    return create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=QueuePool, pool_size=1,
                         max_overflow=0)


ENGINE = connect(os.getenv("DATABASE_URL", ""))


def create_tables() -> None:
    with ENGINE.begin() as connection:
        if ENGINE.dialect.name == "postgresql":  # replicas may start at the same time
            connection.execute(text("SELECT pg_advisory_xact_lock(8000)"))
        SQLModel.metadata.create_all(connection)


def get_session() -> Iterator[Session]:
    with Session(ENGINE) as session:
        yield session


class TaskService:
    """What the skill's routes call."""

    @staticmethod
    def get_tasks_by_user(session: Session, user_id: str, completed: Optional[bool], limit: int,
                          offset: int) -> List[Task]:
        query = select(Task).where(Task.user_id == user_id)
        if completed is not None:
            query = query.where(Task.completed == completed)
        newest = query.order_by(Task.created_at.desc(), Task.id.desc())
        return session.exec(newest.limit(limit).offset(offset)).all()

    @staticmethod
    def get_task(session: Session, user_id: str, task_id: int) -> Optional[Task]:
        return session.exec(select(Task).where(Task.user_id == user_id, Task.id == task_id)).first()

    @staticmethod
    def create_task(session: Session, user_id: str, task_create: TaskCreate) -> Task:
        return TaskService.save(session, Task(user_id=user_id, **task_create.dict()))

    @staticmethod
    def change_task(session: Session, task: Task, fields: dict) -> Task:
        for name, value in fields.items():
            setattr(task, name, value)
        task.updated_at = datetime.utcnow()
        return TaskService.save(session, task)

    @staticmethod
    def save(session: Session, task: Task) -> Task:
        session.add(task)
        session.commit()
        session.refresh(task)
        return task
