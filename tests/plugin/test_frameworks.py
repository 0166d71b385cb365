"""The plugin under what others make of pytest's tests: unittest's cases, Django's, Celery's fixtures.

In a file of its own: of the plugin's tests these take the longest, and a file keeps to one process.
"""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Run, needs

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.live


@pytest.mark.parametrize("kind", ["unittest.TestCase", "unittest.IsolatedAsyncioTestCase"])
def test_cases_of_unittest(pytester: pytest.Pytester, run: Run, kind: str) -> None:
    """A case with a loop of its own, which asyncio debugs, takes fifty milliseconds: it says how soon it is warm,
    and what is too little."""
    word, mark = (
        ("async def", "leakhunt(warm_up=50, max_bytes_per_run=256)")
        if "Async" in kind
        else ("def", "leakhunt(warm_up=100)")
    )
    pytester.makepyfile(
        test_shop=f"""
        import unittest, pytest, shop

        class Cases({kind}):
            def setUp(self):
                self.mine = []

            @pytest.mark.{mark}
            {word} test_leaks(self):
                shop.leaks()

            @pytest.mark.{mark}
            {word} test_healthy(self):
                assert not self.mine
                self.mine.append(bytearray(1000))
        """
    )
    run().assert_outcomes(passed=1, failed=1)


def test_cases_of_django(pytester: pytest.Pytester, run: Run) -> None:
    needs("django")
    pytester.makepyfile(
        settings="""
        SECRET_KEY = "x"
        INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        USE_TZ = True
        """
    )
    pytester.makeconftest(
        """
        import os, pytest
        os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
        import django
        django.setup()

        @pytest.fixture(scope="session", autouse=True)
        def database():
            from django.test.utils import setup_test_environment, setup_databases, teardown_databases
            setup_test_environment()
            made = setup_databases(0, False)
            yield
            teardown_databases(made, 0)
        """
    )
    pytester.makepyfile(
        test_shop="""
        import pytest, shop
        from django.test import TestCase

        class Users(TestCase):
            @pytest.mark.leakhunt(warm_up=100, max_bytes_per_run=256)
            def test_healthy(self):
                from django.contrib.auth.models import Group
                Group.objects.create(name="only one of that name")

            @pytest.mark.leakhunt(warm_up=100, max_bytes_per_run=256)
            def test_leaks(self):
                shop.leaks()
        """
    )
    run().assert_outcomes(passed=1, failed=1)


def test_the_celery_worker_fixture(pytester: pytest.Pytester, run: Run) -> None:
    needs("celery")
    pytester.makepyfile(
        test_shop="""
        import pytest, shop
        pytest_plugins = ["celery.contrib.pytest"]

        @pytest.fixture(scope="session")
        def celery_config():
            return {"broker_url": "memory://", "result_backend": "cache+memory://",
                    "broker_transport_options": {"polling_interval": 0.01}}

        @pytest.fixture
        def add(celery_app, celery_worker):
            @celery_app.task(shared=False)
            def add(a, b):
                shop.leaks()
                return a + b
            celery_worker.reload()
            return add

        @pytest.mark.leakhunt(warm_up=50)
        def test_leaks(add):
            assert add.delay(1, 2).get(timeout=400, interval=0.01) == 3
        """
    )
    found = run()
    found.assert_outcomes(failed=1)
    assert "shop.py:5 (leaks)" in found.stdout.str()
