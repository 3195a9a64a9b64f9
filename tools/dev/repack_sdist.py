"""Pack a source archive again, so that its bytes follow from its content alone.

repack_sdist.py ARCHIVE.tar.gz: setuptools notes the time of packing, and who packed it, where
SOURCE_DATE_EPOCH should stand.
"""

import gzip
import io
import os
import sys
import tarfile


def main(path: str, epoch: int) -> None:
    with tarfile.open(path) as archive:
        members = sorted(archive.getmembers(), key=lambda member: member.name)
        contents = [archive.extractfile(member) for member in members]
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode='w', format=tarfile.PAX_FORMAT) as packed:
            for member, file in zip(members, contents):
                member.mtime, member.uid, member.gid = epoch, 0, 0
                member.uname = member.gname = ''
                member.pax_headers = {}
                packed.addfile(member, file)
    with open(path, 'wb') as out, gzip.GzipFile('', 'wb', 9, out, mtime=epoch) as compressed:
        compressed.write(content.getvalue())


if __name__ == '__main__':
    main(sys.argv[1], int(os.environ['SOURCE_DATE_EPOCH']))
