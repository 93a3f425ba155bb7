#!/bin/sh
# A directory to try the example with: OpenLDAP's slapd in a folder of its own, in the foreground.
#   directory.sh FOLDER [PORT]
set -eu
folder=$1 port=${2:-3389}
PATH=$PATH:/usr/sbin
mkdir -p "$folder/db"
cat >"$folder/slapd.conf" <<END
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $folder/pid
database mdb
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw "correct horse battery staple"
directory $folder/db
maxsize 33554432
END
if [ ! -e "$folder/db/data.mdb" ]; then
  slapadd -q -f "$folder/slapd.conf" <<END
dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=bjensen,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: bjensen
cn: Barbara
sn: Jensen

dn: uid=backup,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: backup
cn: Backup service
sn: Backup
END
fi
exec slapd -d 0 -h "ldap://127.0.0.1:$port" -f "$folder/slapd.conf"
