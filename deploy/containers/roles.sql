-- PostgreSQL's container runs this once, when it makes the database: the roles of step 1 in deploy/README.md.
\set owner_password `cat /run/secrets/owner_password`
\set portal_password `cat /run/secrets/portal_password`
CREATE ROLE portal_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE portal LOGIN PASSWORD :'portal_password';
CREATE DATABASE portal OWNER portal_owner;
