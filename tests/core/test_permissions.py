from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from core.models import User
from engine.ids import uuid7
from tests.factories import MembershipFactory, UserFactory, make_staff_as_before

pytestmark = pytest.mark.django_db


def test_place_and_rights_are_asked_together(django_assert_num_queries):
    membership = MembershipFactory(role="admin")
    user = membership.user
    make_staff_as_before(user)
    user.user_permissions.add(Permission.objects.get(codename="approve_payment"))
    group = Group.objects.create(name="Reviewers")
    group.permissions.add(Permission.objects.get(codename="review_payment"))
    user.groups.add(group)
    user = User.objects.get(pk=user.pk)

    with django_assert_num_queries(1):
        assert user.is_granted("core.approve_payment")
        assert user.is_granted("core.review_payment")
        assert not user.is_granted("core.reverse_payment")
        assert user.role_in(membership.account_id) == "admin"
        assert user.role_in(uuid7()) is None
        assert user.membership == membership


def test_user_without_membership_or_permission_costs_one_query(django_assert_num_queries):
    user = User.objects.get(pk=UserFactory(is_staff=True).pk)

    with django_assert_num_queries(1):
        assert user.role_in(user.pk) is None
        assert not user.is_granted("core.review_payment")
        assert not hasattr(user, "membership")
