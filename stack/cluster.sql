-- Single-user mode: each line is one statement.
-- The product's role is no superuser here either; CREATEDB is for the databases of the tests.
CREATE ROLE countersign LOGIN CREATEDB;
CREATE DATABASE countersign OWNER countersign;
